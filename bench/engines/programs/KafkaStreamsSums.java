import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Kafka Streams, exactly-once-v2: an aggregate by key. Its record cache forwards each key that changed once a commit, and
 * its changelog gets each once a commit too, as the documentation of record caches recommends.
 */
public final class KafkaStreamsSums {
    private static final int QUARTERS = 96;
    private static final long QUARTER_US = 900_000_000L;
    private static final int FRAME_BYTES = 5;

    record Reading(long quarter, long quantity) {}

    /** The last 96 quarters of a series; serialized as newest, total and the quarters. */
    static final class Ring {
        private final long[] quarters = new long[QUARTERS];
        private long newest = Long.MIN_VALUE;
        private long total;

        Ring add(Reading reading) {
            if (newest == Long.MIN_VALUE) {
                newest = reading.quarter();
            }
            if (reading.quarter() <= newest - QUARTERS) {
                return this;
            }
            for (long passed = Math.max(newest, reading.quarter() - QUARTERS) + 1; passed <= reading.quarter(); passed++) {
                int place = (int) (passed % QUARTERS);
                total -= quarters[place];
                quarters[place] = 0;
            }
            newest = Math.max(newest, reading.quarter());
            quarters[(int) (reading.quarter() % QUARTERS)] += reading.quantity();
            total += reading.quantity();
            return this;
        }

        byte[] bytes() {
            ByteBuffer buffer = ByteBuffer.allocate(8 * (QUARTERS + 2));
            buffer.asLongBuffer().put(newest).put(total).put(quarters);
            return buffer.array();
        }

        static Ring of(byte[] bytes) {
            Ring ring = new Ring();
            var longs = ByteBuffer.wrap(bytes).asLongBuffer();
            ring.newest = longs.get();
            ring.total = longs.get();
            longs.get(ring.quarters);
            return ring;
        }
    }

    /** Reads two fields of the framed Avro record and skips the others; null for any other record. */
    static final class ReadingDeserializer implements Deserializer<Reading> {
        private final GenericDatumReader<GenericRecord> reader;
        private final int schemaId;
        private BinaryDecoder decoder;
        private GenericRecord reused;

        ReadingDeserializer(Schema written, int schemaId) {
            Schema wanted = new Schema.Parser().parse("""
                {"type": "record", "name": "Availability", "namespace": "synergy.v1", "fields": [
                  {"name": "quantity", "type": "long"}, {"name": "period_start", "type": "long"}]}""");
            this.reader = new GenericDatumReader<>(written, wanted);
            this.schemaId = schemaId;
        }

        @Override
        public Reading deserialize(String topic, byte[] value) {
            if (value == null || value.length < FRAME_BYTES || ByteBuffer.wrap(value, 1, 4).getInt() != schemaId) {
                return null;
            }
            try {
                decoder = DecoderFactory.get().binaryDecoder(value, FRAME_BYTES, value.length - FRAME_BYTES, decoder);
                reused = reader.read(reused, decoder);
            } catch (java.io.IOException error) {
                throw new java.io.UncheckedIOException(error);
            }
            return new Reading(Math.floorDiv((Long) reused.get(1), QUARTER_US), (Long) reused.get(0));
        }
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> task = new HashMap<>();
        for (String one : arguments) {
            task.put(one.substring(0, one.indexOf('=')), one.substring(one.indexOf('=') + 1));
        }
        Schema written = new Schema.Parser().parse(Files.readString(Path.of(task.get("schema"))));
        Serde<Reading> readings = Serdes.serdeFrom(
            (topic, reading) -> { throw new UnsupportedOperationException(); },
            new ReadingDeserializer(written, Integer.parseInt(task.get("schema_id"))));
        Serde<Ring> rings = Serdes.serdeFrom((topic, ring) -> ring.bytes(), (topic, bytes) -> Ring.of(bytes));

        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(task.get("topic"), Consumed.with(Serdes.Bytes(), readings))
            .filter((series, reading) -> reading != null)
            .groupByKey()
            .aggregate(Ring::new, (series, reading, ring) -> ring.add(reading),
                Materialized.<Bytes, Ring, KeyValueStore<Bytes, byte[]>>as("rings")
                    .withKeySerde(Serdes.Bytes()).withValueSerde(rings).withCachingEnabled())
            .toStream()
            .mapValues(ring -> Long.toString(ring.total))
            .to(task.get("output"), Produced.with(Serdes.Bytes(), Serdes.String()));

        KafkaStreams streams = new KafkaStreams(builder.build(), settings(task));
        CountDownLatch stop = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> { streams.close(); stop.countDown(); }));
        streams.start();
        stop.await();
    }

    private static Properties settings(Map<String, String> task) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, task.get("group"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, task.get("bootstrap"));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, task.get("state"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, (int) (1000 * Double.parseDouble(task.get("interval_s"))));
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L * 1024 * 1024);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        return settings;
    }
}
