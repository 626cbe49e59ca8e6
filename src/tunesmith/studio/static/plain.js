// A page without anything that changes still has its keys.

import { keys } from "./page.js";

keys({});
