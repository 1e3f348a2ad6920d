/** Files that Vite serves by address. */
declare module '*.onnx?url' {
  const url: string;
  export default url;
}
