import { serve } from '@hono/node-server';
import { Hono } from 'hono';

const app = new Hono();
serve(app);
serve({ fetch: app.fetch, port: 3001 });
serve({ fetch: app.fetch, port: 3002, hostname: '::' });
