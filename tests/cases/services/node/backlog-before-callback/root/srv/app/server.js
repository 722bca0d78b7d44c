const http = require('http');

http.createServer().listen(3000, 301, () => console.log('ready'));
