const http = require('http');

http.createServer().listen(3000, '::');
http.createServer().listen(3001, '0.0.0.0');
http.createServer().listen(3002, '::1');
http.createServer().listen(3003, '::ffff:127.0.0.1');
http.createServer().listen({ port: 3004, host: '::', ipv6Only: true });
