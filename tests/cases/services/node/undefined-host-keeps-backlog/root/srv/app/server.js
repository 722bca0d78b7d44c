const http = require('http');

http.createServer().listen(3000, undefined, 309);
http.createServer().listen(3001, null, 310);
