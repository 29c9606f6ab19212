import { choice, text, type SettingValues } from '@waggle/kernel';

/** What the environment says of the file. */
export const sqliteSettings = {
  SQLITE_FILE: text({
    description:
      'file of the store, on a disk of this machine; where TOPOLOGY is declare, its folder is made if it is missing',
    default: '.waggle/waggle.sqlite',
  }),
  SQLITE_SYNCHRONOUS: choice(['normal', 'full'], {
    description:
      'normal: what was committed survives the death of the process; full: also that of the machine, several times slower',
    default: 'normal',
  }),
};

export type SqliteSettings = SettingValues<typeof sqliteSettings>;

export function checkSqlite({ SQLITE_FILE: file }: SqliteSettings): readonly string[] {
  if (file === '') return ['SQLITE_FILE is empty: give the name of a file'];
  // SQLite would take these for a database in memory, and for a URI with options.
  if (file !== ':memory:' && !file.startsWith('file:')) return [];
  return [`SQLITE_FILE is "${file}": give a path; for a store that ends with the process set STORE=memory`];
}
