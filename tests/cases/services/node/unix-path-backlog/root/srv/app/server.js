const http = require('http');

http.createServer().listen('/run/app.sock', 64, () => console.log('ready'));
http.createServer().listen({ path: '/run/admin.sock', backlog: 65 });
