package app;

import java.net.ServerSocket;

public class Main {
    public static void main(String[] args) throws Exception {
        ServerSocket server = new ServerSocket(Settings.PORT, conf.Limits.BACKLOG);
        Thread.currentThread().join();
    }
}
