/* web/dvbcss.js as a module whatever its folder says: Node 18 takes .js for CommonJS there. */
import { readFileSync } from 'node:fs';

const source = readFileSync(new URL('../../../web/dvbcss.js', import.meta.url));

export const dvbcss = await import(`data:text/javascript;base64,${source.toString('base64')}`);
