import java.net.ServerSocket;

public class Main {
    public static void main(String[] args) throws Exception {
        ServerSocket server = new ServerSocket(0, 25);
        System.out.println(server.getLocalPort());
        Thread.currentThread().join();
    }
}
