import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codeOf, ROOMS } from '../mutation/rooms.js';

test.each(Object.entries(ROOMS))(
  'the room %s of `npm run mutation` has code, and its tests are there',
  (_name, room) => {
    expect(codeOf(room).length).toBeGreaterThan(0);
    expect(room.tests.filter((file) => !existsSync(file))).toEqual([]);
  },
);
