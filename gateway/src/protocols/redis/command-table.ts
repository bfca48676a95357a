import type { Effect } from '../../domain/effects.ts';

/** The effects of a command, and which of its arguments are keys. */
export interface CommandEntry {
  readonly effects: readonly Effect[];
  /**
   * Where the keys are, counted from the name of the command as 0. `1..-1`: from the first argument to the last. `1..-1/2`: every other one. `2#`: as many as argument 2 says, behind
   * it. `STREAMS`: the first half of what is behind this word. Several forms are joined by `+`. Empty: it has none.
   */
  readonly keys: string;
}

/**
 * The commands of Redis, by their effects and the places of their keys, which follow from the flags that Redis itself gives (`COMMAND INFO`). A subcommand is written `config|get`.
 * What takes elements away from a value or sets its end is `destroy`. Commands that are not here are `unknown`: those of modules, and newer ones.
 */
const table = `
read: acl|cat acl|genpass acl|help acl|whoami asking client|caching client|getname client|getredir client|help client|id client|info client|setinfo client|setname client|tracking client|trackinginfo
  cluster|countkeysinslot cluster|getkeysinslot cluster|help cluster|info cluster|keyslot cluster|links cluster|myid cluster|myshardid cluster|nodes cluster|shards cluster|slots command command|count command|docs
  command|getkeys command|getkeysandflags command|help command|info command|list config|help dbsize discard echo exec function|dump function|help function|list function|stats hello info keys lastsave
  latency|help lolwut memory|doctor memory|help memory|malloc-stats memory|stats module|help multi object|help ping psubscribe pubsub|channels pubsub|help pubsub|numpat pubsub|numsub
  pubsub|shardchannels pubsub|shardnumsub punsubscribe quit randomkey readonly readwrite role scan script|exists script|help select slowlog|help time unsubscribe unwatch wait waitaof xgroup|help xinfo|help
read 1..-1: exists mget pfcount sdiff sinter ssubscribe subscribe sunion sunsubscribe touch watch
read 1: bitcount bitfield_ro bitpos dump expiretime geodist geohash geopos georadius_ro georadiusbymember_ro geosearch get getbit getrange hexists hexpiretime hget hgetall hkeys hlen hmget hpexpiretime hpttl
  hrandfield hscan hstrlen httl hvals lindex llen lpos lrange pexpiretime pttl scard sismember smembers smismember sort_ro srandmember sscan strlen substr ttl type xlen xpending xrange xrevrange
  zcard zcount zlexcount zmscore zrandmember zrange zrangebylex zrangebyscore zrank zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore
read 1..2: lcs
read 1#: sintercard zdiff zinter zintercard zunion
read 2: memory|usage object|encoding object|freq object|idletime object|refcount xinfo|consumers xinfo|groups xinfo|stream
read STREAMS: xread
read 2#: eval_ro evalsha_ro fcall_ro
write: publish
write 1: append geoadd hmset hpersist hset hsetnx linsert lpush lpushx lset persist pfadd psetex restore restore-asking rpush rpushx sadd set setex setnx setrange spublish xack xadd xsetid zadd
write 1..-1/2: mset msetnx
write 2: xgroup|create xgroup|createconsumer xgroup|setid
read write 1: bitfield decr decrby getset hincrby hincrbyfloat incr incrby incrbyfloat move setbit xautoclaim xclaim zincrby
read write 1: georadius georadiusbymember sort
read write 1..2: blmove brpoplpush copy geosearchstore lmove renamenx rpoplpush smove zrangestore
read write 1..-1: pfmerge sdiffstore sinterstore sunionstore
read write 2..-1: bitop
read write 1+2#: zdiffstore zinterstore zunionstore
read write STREAMS: xreadgroup
destroy write 1..-1: del unlink
destroy write 1: expire expireat getex hdel hexpire hexpireat hpexpire hpexpireat lrem ltrim pexpire pexpireat srem xdel xtrim zrem zremrangebylex zremrangebyrank zremrangebyscore
destroy write 2: xgroup|delconsumer xgroup|destroy
destroy write: flushall flushdb
destroy read write 1: getdel hgetdel lpop rpop spop zpopmax zpopmin
destroy read write 1..2: rename
destroy read write 1..-2: blpop brpop bzpopmax bzpopmin
destroy read write 1#: lmpop zmpop
destroy read write 2#: blmpop bzmpop
define: script|load
define write: function|load
define destroy write: function|delete function|flush function|restore
unknown 2#: eval evalsha fcall
administer: acl|deluser acl|dryrun acl|getuser acl|list acl|load acl|log acl|save acl|setuser acl|users bgrewriteaof bgsave client|kill client|list client|no-evict client|no-touch client|pause client|unblock client|unpause
  cluster|addslots cluster|addslotsrange cluster|bumpepoch cluster|count-failure-reports cluster|delslots cluster|delslotsrange cluster|failover cluster|flushslots cluster|forget cluster|meet cluster|replicas
  cluster|replicate cluster|reset cluster|saveconfig cluster|set-config-epoch cluster|setslot cluster|slaves config|get config|resetstat config|rewrite config|set failover function|kill
  latency|doctor latency|graph latency|histogram latency|history latency|latest latency|reset memory|purge module|list save script|debug script|flush script|kill slowlog|get slowlog|len slowlog|reset
administer unknown: module|load module|loadex module|unload pfselftest
administer destroy read write: migrate pfdebug
administer destroy write: debug replicaof shutdown slaveof swapdb
administer unknown: client|reply monitor psync replconf reset sync auth
`;

const effectWord = /^(?:read|write|destroy|define|execute|administer|unknown)$/;

function readTable(): ReadonlyMap<string, CommandEntry> {
  const entries = new Map<string, CommandEntry>();
  for (const row of table.trim().replaceAll('\n  ', ' ').split('\n')) {
    const [head = '', names = ''] = row.split(': ');
    const words = head.split(' ');
    const effects = Object.freeze(words.filter((word): word is Effect => effectWord.test(word)));
    const keys = words.find((word) => !effectWord.test(word)) ?? '';
    for (const name of names.split(' ')) {
      entries.set(name, { effects, keys });
    }
  }
  return entries;
}

/** The commands by their names in lower case. */
export const commandTable: ReadonlyMap<string, CommandEntry> = readTable();

/** The commands that have subcommands. */
export const containers: ReadonlySet<string> = new Set(
  [...commandTable.keys()].filter((name) => name.includes('|')).map((name) => name.split('|', 1)[0] ?? ''),
);
