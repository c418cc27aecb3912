internal import CYAML

extension YAML {
    /// Writes documents, piece by piece.
    struct Emitter: ~Copyable {
        private let emitter: UnsafeMutablePointer<yaml_emitter_t>
        private let output: UnsafeMutablePointer<[UInt8]>

        init() {
            emitter = .allocate(capacity: 1)
            emitter.initialize(to: yaml_emitter_t())
            output = .allocate(capacity: 1)
            output.initialize(to: [])
            yaml_emitter_initialize(emitter)
            yaml_emitter_set_output(
                emitter,
                { output, bytes, count in
                    guard let output, let bytes else { return 0 }
                    output.assumingMemoryBound(to: [UInt8].self).pointee += UnsafeBufferPointer(
                        start: bytes, count: count)
                    return 1
                }, output)
            yaml_emitter_set_encoding(emitter, YAML_UTF8_ENCODING)
            // Lines are as long as what they say.
            yaml_emitter_set_width(emitter, -1)
        }

        deinit {
            yaml_emitter_delete(emitter)
            emitter.deallocate()
            output.deinitialize(count: 1)
            output.deallocate()
        }

        /// What has been written up to the last end of a document or of all.
        var text: String { String(decoding: output.pointee, as: UTF8.self) }

        // MARK: Pieces

        func begin() throws(Failure) {
            try emit { yaml_stream_start_event_initialize($0, YAML_UTF8_ENCODING) }
        }

        func end() throws(Failure) {
            try emit { yaml_stream_end_event_initialize($0) }
        }

        func beginDocument() throws(Failure) {
            try emit { yaml_document_start_event_initialize($0, nil, nil, nil, 1) }
        }

        func endDocument() throws(Failure) {
            try emit { yaml_document_end_event_initialize($0, 1) }
        }

        func beginSequence() throws(Failure) {
            try emit { yaml_sequence_start_event_initialize($0, nil, nil, 1, YAML_BLOCK_SEQUENCE_STYLE) }
        }

        func endSequence() throws(Failure) {
            try emit { yaml_sequence_end_event_initialize($0) }
        }

        func beginMapping() throws(Failure) {
            try emit { yaml_mapping_start_event_initialize($0, nil, nil, 1, YAML_BLOCK_MAPPING_STYLE) }
        }

        func endMapping() throws(Failure) {
            try emit { yaml_mapping_end_event_initialize($0) }
        }

        /// - Parameter style: how it is written if it can be; double quotes hold every text.
        func scalar(_ text: String, _ style: yaml_scalar_style_t) throws(Failure) {
            guard let length = CInt(exactly: text.utf8.count) else { throw Failure("a text is longer than 2 GiB") }
            // libyaml wants an address for an empty text, too.
            let bytes = Array(text.utf8) + [0]
            try emit { yaml_scalar_event_initialize($0, nil, nil, bytes, length, 1, 1, style) }
        }

        /// - Parameter initialize: sets the event; libyaml frees it, even if it cannot be written.
        private func emit(_ initialize: (UnsafeMutablePointer<yaml_event_t>) -> CInt) throws(Failure) {
            var event = yaml_event_t()
            guard initialize(&event) == 1, yaml_emitter_emit(emitter, &event) == 1 else {
                throw Failure(emitter.pointee.problem.map { String(cString: $0) } ?? "there is not enough memory")
            }
        }
    }
}
