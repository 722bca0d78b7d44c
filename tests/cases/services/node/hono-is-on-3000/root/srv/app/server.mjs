import { createAdaptorServer, serve as run } from '@hono/node-server';
import { Hono } from 'hono';

const app = new Hono();
run(app);
createAdaptorServer({ fetch: app.fetch }).listen(3001, 200);
