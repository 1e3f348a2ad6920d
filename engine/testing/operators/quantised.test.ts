import { describeRecorded } from './check-recorded.ts';
import { sources } from './quantised-cases.ts';
import recorded from './quantised-outputs.json';

describeRecorded('quantised operators', sources, recorded);
