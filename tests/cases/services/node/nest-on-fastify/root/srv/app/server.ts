import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';

@Module({})
class AppModule {}

const create = () => NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), { logger: false });

(async () => {
  const app = await create();
  await app.listen(3000, '0.0.0.0');
  const other = await create();
  await other.listen({ port: 3001, host: '127.0.0.1', backlog: 300 });
})();
