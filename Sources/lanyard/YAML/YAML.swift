internal import JSON

/// YAML as Kubernetes means it: another way to write JSON. Only this folder knows libyaml.
enum YAML {
    /// One document of a file.
    struct Document {
        var value: JSONValue
        var location: Location
    }

    /// Why a text cannot be read, or a value not be written.
    struct Failure: Error, CustomStringConvertible {
        var message: String
        var line: Int?

        init(_ message: String, line: Int? = nil) {
            self.message = message
            self.line = line
        }

        var description: String { line.map { "line \($0): \(message)" } ?? message }

        static func nestedTooDeep(line: Int) -> Failure { Failure("the document is nested too deep", line: line) }
    }

    /// The documents of a text that are not empty. JSON is YAML, and is read as such.
    static func documents(in text: String, file: String) throws(UsageProblem) -> [Document] {
        var documents: [Document] = []
        var number = 1
        do {
            var composer = Composer(text)
            while let root = try composer.nextDocument() {
                let value = try root.value()
                if !value.isNull { documents.append(Document(value: value, location: Location(root))) }
                number += 1
            }
        } catch {
            throw UsageProblem(
                "\(file): document \(number)\(error.line.map { ", line \($0)" } ?? ""): \(error.message)")
        }
        return documents
    }
}
