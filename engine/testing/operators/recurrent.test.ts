import { describeRecorded } from './check-recorded.ts';
import { sources } from './recurrent-cases.ts';
import recorded from './recurrent-outputs.json';

describeRecorded('recurrences', sources, recorded);
