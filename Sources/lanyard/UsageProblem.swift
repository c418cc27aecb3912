/// Input that cannot be read, output that cannot be written, or words that are not of the command's form: exit code 2.
struct UsageProblem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
