import type { Dictionary } from '../en';
import { admin } from './admin';
import { chat } from './chat';
import { people } from './people';
import { problems } from './problems';
import { shell } from './shell';
import { studio } from './studio';
import { watching } from './watching';

export const ko: Dictionary = { ...shell, ...watching, ...chat, ...people, ...admin, ...studio, ...problems };
