import Api, { BACKLOG, makeServer as make } from './lib/index.js';

new Api().start(3000);
make().listen(3001, BACKLOG);
