const Koa = require('koa');
const http = require('http');

const app = new Koa();
app.use((ctx) => { ctx.body = 'ok'; });
app.listen(3000, '127.0.0.1', 300);
new Koa().listen(3001, 301);
http.createServer(app.callback()).listen({ port: 3002, backlog: 302 });
