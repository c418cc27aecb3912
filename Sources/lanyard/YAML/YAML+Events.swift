internal import CYAML

extension YAML {
    /// What stands in a text, piece by piece. Nothing is built of it, and aliases are names.
    struct Events: ~Copyable {
        private let parser: UnsafeMutablePointer<yaml_parser_t>
        /// A copy, since libyaml keeps its address.
        private let text: UnsafeMutableBufferPointer<UInt8>

        init(_ text: String) {
            self.text = .allocate(capacity: text.utf8.count)
            _ = self.text.initialize(fromContentsOf: text.utf8)
            parser = .allocate(capacity: 1)
            parser.initialize(to: yaml_parser_t())
            yaml_parser_initialize(parser)
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(parser, self.text.baseAddress, self.text.count)
        }

        deinit {
            yaml_parser_delete(parser)
            parser.deallocate()
            text.deallocate()
        }

        /// The next piece. After `streamEnd` there is none.
        func next() throws(Failure) -> Event {
            var event = yaml_event_t()
            guard yaml_parser_parse(parser, &event) == 1 else { throw failure }
            defer { yaml_event_delete(&event) }
            return Event(event)
        }

        /// Why libyaml does not go on.
        private var failure: Failure {
            let problem = parser.pointee.problem.map { String(cString: $0) } ?? "there is not enough memory"
            let line =
                if parser.pointee.error == YAML_READER_ERROR {
                    String(decoding: text.prefix(parser.pointee.problem_offset), as: UTF8.self)
                        .count(where: \.isNewline)
                } else {
                    parser.pointee.problem_mark.line
                }
            return Failure("line \(line + 1): \(problem)")
        }
    }

    struct Event {
        enum Kind {
            /// What is between documents, or before them.
            case other
            case streamEnd
            case documentEnd
            case alias(String)
            case scalar(Scalar)
            case sequenceStart
            case mappingStart
            case collectionEnd
        }

        var kind: Kind
        /// The name of what begins here, for aliases.
        var anchor: String?
        /// Counted from 1.
        var line: Int
    }
}

extension YAML.Event {
    fileprivate init(_ event: yaml_event_t) {
        line = event.start_mark.line + 1
        let data = event.data
        switch event.type {
        case YAML_STREAM_END_EVENT: kind = .streamEnd
        case YAML_DOCUMENT_END_EVENT: kind = .documentEnd
        case YAML_ALIAS_EVENT: kind = .alias(String(data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let text = UnsafeBufferPointer(start: data.scalar.value, count: data.scalar.length)
            kind = .scalar(
                YAML.Scalar(
                    text: String(decoding: text, as: UTF8.self),
                    tag: data.scalar.quoted_implicit == 1 ? .string : .init(name: String(data.scalar.tag))))
            anchor = String(data.scalar.anchor)
        case YAML_SEQUENCE_START_EVENT:
            kind = .sequenceStart
            anchor = String(data.sequence_start.anchor)
        case YAML_MAPPING_START_EVENT:
            kind = .mappingStart
            anchor = String(data.mapping_start.anchor)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: kind = .collectionEnd
        default: kind = .other
        }
    }
}

extension String {
    fileprivate init?(_ characters: UnsafeMutablePointer<yaml_char_t>?) {
        guard let characters else { return nil }
        self.init(cString: characters)
    }
}
