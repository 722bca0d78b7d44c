package com.example.app;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;

public final class Main implements Runnable {
    private final int port;
    private final int backlog;
    private ServerSocketChannel channel;

    Main(int port, int backlog) {
        this.port = port;
        this.backlog = backlog;
    }

    void open() throws IOException {
        channel = ServerSocketChannel.open();
        channel.bind(address(), backlog);
    }

    private InetSocketAddress address() {
        return new InetSocketAddress("127.0.0.1", port);
    }

    @Override
    public void run() {
        try {
            this.open();
            Thread.currentThread().join();
        } catch (IOException | InterruptedException stopped) {
            throw new IllegalStateException(stopped);
        }
    }

    public static void main(String[] args) {
        new Main(8080, 150).run();
    }
}
