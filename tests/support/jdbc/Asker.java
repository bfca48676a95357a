import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.sql.DriverManager;
import java.util.Properties;
import org.postgresql.util.PSQLException;

/**
 * Reads lines `USER PASSWORD STATE SECONDS`, runs an update with the state for each on a connection of its own, and prints what became of it: `done ROWS`, or SQLSTATE, message
 * and detail. SECONDS is the time-out of the statement; 0: there is none. Then it asks whether the connection goes on.
 */
public class Asker {
  public static void main(String[] words) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      var asked = line.split(" ");
      var login = new Properties();
      login.setProperty("user", asked[0]);
      login.setProperty("password", asked[1]);
      login.setProperty("prepareThreshold", "1");
      try (var connection = DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + words[0] + "/shop", login)) {
        var update = connection.prepareStatement("update orders set state = ? where id = 1");
        update.setString(1, asked[2]);
        update.setQueryTimeout(Integer.parseInt(asked[3]));
        String outcome;
        try {
          outcome = "done " + update.executeUpdate();
        } catch (PSQLException error) {
          var told = error.getServerErrorMessage();
          outcome = error.getSQLState() + " " + told.getMessage() + " " + told.getDetail();
        }
        var next = connection.createStatement().executeQuery("select 1");
        next.next();
        System.out.println(outcome.replace('\n', ' ') + ", then " + next.getInt(1));
      }
    }
  }
}
