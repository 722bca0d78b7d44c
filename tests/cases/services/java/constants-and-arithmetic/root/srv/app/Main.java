import java.io.IOException;
import java.net.ServerSocket;

public class Main {
    private static final int BASE = 8_000;
    static final int BACKLOG = 200;

    public static void main(String[] args) throws Exception {
        int port = BASE + 80;
        ServerSocket server = new ServerSocket(port, BACKLOG * 2);
        ServerSocket other = new ServerSocket(0x1F90 + 1, 1 << 8);
        ServerSocket octal = new ServerSocket(8082, (int) 0100L);
        Thread.currentThread().join();
    }
}
