const http = require('http');
const first = http.createServer();
first['listen'](3000, '127.0.0.1', 9);
const server = http.createServer();
server.listen.call(server, 3001, '127.0.0.1', 8);
const other = http.createServer();
other.listen.apply(other, [3002, '127.0.0.1', 7]);
const last = http.createServer();
last['listen'](3003, '127.0.0.1', 6);
