const http = require('http');
const Koa = require('koa');

const where = {
  host: '127.0.0.1',
  port: 3003,
};

http.createServer().listen({ port: 3000 });
http.createServer().listen({
  port: 3001,
  host: '127.0.0.1', // inside only
}, () => console.log('ready'));
http.createServer().listen({ path: '/run/app.sock', });
new Koa().listen({ port: 3002 });
http.createServer().listen(where);
