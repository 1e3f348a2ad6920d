import { describeRecorded } from './check-recorded.ts';
import { sources } from './contrib-cases.ts';
import recorded from './contrib-outputs.json';

describeRecorded('com.microsoft operators', sources, recorded);
