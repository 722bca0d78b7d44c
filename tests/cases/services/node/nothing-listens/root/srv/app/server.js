const http = require('http');

const server = http.createServer();
server.on('listening', () => console.log('never'));
console.log(typeof server.listen);
