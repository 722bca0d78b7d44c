import { createServer } from 'node:http';
import defaults, { port, queue as backlog } from './config/index.js';
import * as config from './config/index.js';

createServer().listen(port, backlog);
createServer().listen(config.port + 1, defaults.backlog);
