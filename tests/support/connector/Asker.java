import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;

/** Asks a statement twice with Java's driver of MariaDB: prepared by the driver, and by the server. Arguments: URL, user, password, statement, parameter. */
class Asker {
  public static void main(String[] words) throws Exception {
    for (String prepares : new String[] {"false", "true"}) {
      String url = words[0] + "?allowPublicKeyRetrieval=true&useServerPrepStmts=" + prepares;
      try (Connection connection = DriverManager.getConnection(url, words[1], words[2]);
          PreparedStatement statement = connection.prepareStatement(words[3])) {
        statement.setString(1, words[4]);
        try (ResultSet rows = statement.executeQuery()) {
          while (rows.next()) {
            System.out.println(rows.getString(1));
          }
        }
      }
    }
  }
}
