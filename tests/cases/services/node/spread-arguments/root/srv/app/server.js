const http = require('http');

const where = [3000, '127.0.0.1'];
http.createServer().listen(...where, 200);
http.createServer().listen(...[3001, 201], () => console.log('ready'));
