require('http').createServer().listen(3000, 200);
require('node:net').createServer().listen(3001);
