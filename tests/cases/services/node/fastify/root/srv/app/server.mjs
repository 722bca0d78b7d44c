import Fastify from 'fastify';

const app = Fastify({ logger: false });
app.get('/', async () => 'ok');
await app.listen({ port: 3000, host: '0.0.0.0', backlog: 303 });
