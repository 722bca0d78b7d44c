const http = require('http');
const { promisify } = require('util');

const server = http.createServer();
const other = http.createServer();
promisify(server.listen).bind(server)(3000, '127.0.0.1', 200);
promisify(other.listen.bind(other))(3001, 201);
