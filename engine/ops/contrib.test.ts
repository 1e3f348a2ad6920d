import { describeRecorded } from './testing/check-recorded.ts';
import { sources } from './testing/contrib-cases.ts';
import recorded from './testing/contrib-outputs.json';

describeRecorded('com.microsoft operators', sources, recorded);
