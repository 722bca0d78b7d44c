const http = require('node:http');
const app = http.createServer((request, response) => response.end('well\n'));
app.listen({ port: 3001, host: '127.0.0.1', backlog: 64 });
