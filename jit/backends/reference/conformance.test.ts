import { conformance } from '../conformance.ts';
import { makeReferenceDevice } from './index.ts';

conformance('reference', () => Promise.resolve(makeReferenceDevice()));
