import java.net.ServerSocket;

public class Main {
    public static void main(String[] args) throws Exception {
        ServerSocket server = new ServerSocket(8080);
        Thread.currentThread().join();
    }
}
