import JSON
import KubernetesModel
import NIOCore
import Testing

@testable import KubernetesClient

@Suite("Line framer")
struct LineFramerTests {
    /// U+2028 and U+0085 end lines for many, but not here.
    static let text = #"{"a":"\u{2028}"}"# + "\n\n" + #"{"b":"é\#u{0085}"}"# + "\r\n" + #"{"c":1}"#

    @Test("gives the same lines wherever the bytes are cut", arguments: 0...text.utf8.count)
    func cutsAnywhere(position: Int) throws {
        let bytes = Array(Self.text.utf8)
        var framer = LineFramer()
        var lines = try framer.append(ByteBuffer(bytes: bytes[..<position]))
        lines += try framer.append(ByteBuffer(bytes: bytes[position...]))
        if let last = framer.finish() { lines.append(last) }
        let expected = [#"{"a":"\u{2028}"}"#, #"{"b":"é\#u{0085}"}"# + "\r", #"{"c":1}"#]
        #expect(lines.map { String(decoding: $0, as: UTF8.self) } == expected)
    }

    @Test("gives the same lines byte by byte")
    func byteByByte() throws {
        var framer = LineFramer()
        var lines: [[UInt8]] = []
        for byte in "ab\nc\n".utf8 { lines += try framer.append(ByteBuffer(bytes: [byte])) }
        #expect(lines == [Array("ab".utf8), Array("c".utf8)])
        #expect(framer.finish() == nil)
    }

    @Test("refuses a line that is too long, even before it ends")
    func limit() throws {
        var framer = LineFramer(limit: 4)
        _ = try framer.append(ByteBuffer(string: "abcd\nab"))
        #expect(throws: LineFramer.LineTooLong(limit: 4)) { _ = try framer.append(ByteBuffer(string: "cde")) }
    }
}

@Suite("List framer")
struct ListFramerTests {
    static let text = """
        {"kind":"List", "other":[{"items":[1]}], "metadata":{"resourceVersion":"7","x":"]},{\\"items\\":["},
         "items" : [ {"a":"}]\\\\"} , {"b":[{"items":[]}]},{} ],"after":["y"]}
        """
    static let items = [#"{"a":"}]\\"}"#, #"{"b":[{"items":[]}]}"#, "{}"]

    @Test("gives the same items wherever the bytes are cut", arguments: 0...text.utf8.count)
    func cutsAnywhere(position: Int) throws {
        let bytes = Array(Self.text.utf8)
        var framer = ListFramer()
        var items: [String] = []
        for part in [bytes[..<position], bytes[position...]] {
            try framer.append(ByteBuffer(bytes: part)) { item in
                items.append(String(decoding: item, as: UTF8.self).filter { !$0.isWhitespace })
            }
        }
        #expect(items == Self.items)
        #expect(try Envelope(parsing: framer.envelope).metadata.resourceVersion == "7")
    }

    @Test("takes a list without items, and items that are null", arguments: [#","items":[]"#, #","items":null"#, ""])
    func noItems(items: String) throws {
        var framer = ListFramer()
        try framer.append(ByteBuffer(string: #"{"metadata":{"resourceVersion":"7","continue":"c"}\#(items)}"#)) { _ in
            Issue.record("there is no item")
        }
        let metadata = try Envelope(parsing: framer.envelope).metadata
        #expect(metadata.resourceVersion == "7")
        #expect(metadata.continueToken == "c")
    }

    @Test(
        "finds no item in what is not JSON, which is found out when it is read",
        arguments: ["]]]]}}}}", #"{"items":[}]}{[["#, "[[[{{{", #""\"#, "<html>"])
    func garbage(text: String) throws {
        var framer = ListFramer()
        try framer.append(ByteBuffer(string: text)) { _ in Issue.record("there is no item") }
        #expect(framer.envelope == Array(text.utf8))
        #expect(throws: JSONError.self) { try Envelope(parsing: framer.envelope) }
    }

    @Test("refuses an item that is too long, even before it ends")
    func limit() throws {
        var framer = ListFramer(limit: 20)
        #expect(throws: PartTooLong(limit: 20)) {
            try framer.append(ByteBuffer(string: #"{"items":[{"a":"0123456789012345678901234"#)) { _ in }
        }
    }
}
