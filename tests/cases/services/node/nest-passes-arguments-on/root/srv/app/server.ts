import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { NestExpressApplication } from '@nestjs/platform-express';

@Module({})
class AppModule {}

(async () => {
  const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger: false });
  await app.listen(3000, '127.0.0.1', 402);
})();
