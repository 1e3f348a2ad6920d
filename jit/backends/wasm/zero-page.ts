/**
 * The start of every linear memory holds zeros and is given to no region: what a convolution reads in place of its padding. Kernels
 * know the address as a constant.
 */
export const zeroPage = 0;
export const zeroBytes = 65536;
