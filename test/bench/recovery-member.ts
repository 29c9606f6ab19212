import { joinGroup, READY } from './recovery-group.ts';
import type { MemberSettings } from './recovery-group.ts';

// A member as a process of its own, to be killed: says on its standard output what it handles.
const settings = JSON.parse(process.env['MEMBER'] ?? '{}') as MemberSettings;
await joinGroup(settings, (id) => process.stdout.write(`${id}\n`));
process.stdout.write(`${READY}\n`);
