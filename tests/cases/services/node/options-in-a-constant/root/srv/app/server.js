const http = require('http');

const where = { port: 3000, host: '127.0.0.1', backlog: 304 };
http.createServer().listen(where);
