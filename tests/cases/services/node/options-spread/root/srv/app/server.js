const http = require('http');

const common = { host: '127.0.0.1', backlog: 306 };
http.createServer().listen({ ...common, port: 3000 });
http.createServer().listen({ backlog: 10, ...common, port: 3001, host: '127.0.0.2' });
