import { createServer } from 'node:http';

createServer().listen(3000, '127.0.0.1', 300);
createServer().listen({ host: '127.0.0.1', port: 3001, backlog: 5 });
createServer().listen(3002, '127.0.0.1');
