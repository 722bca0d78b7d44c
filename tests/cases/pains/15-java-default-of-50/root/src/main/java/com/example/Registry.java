package com.example;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;

public class Registry {
    public static void main(String[] args) throws IOException {
        ServerSocket server = new ServerSocket(20880);
        while (true) {
            Socket client = server.accept();
            new Thread(() -> serve(client)).start();
        }
    }

    private static void serve(Socket client) {
    }
}
