import { describeRecorded } from './testing/check-recorded.ts';
import { sources } from './testing/recurrent-cases.ts';
import recorded from './testing/recurrent-outputs.json';

describeRecorded('recurrences', sources, recorded);
