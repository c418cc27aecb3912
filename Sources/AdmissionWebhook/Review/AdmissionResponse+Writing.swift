import JSON

extension AdmissionResponse {
    /// The review that answers the request of this uid.
    package func review(uid: String) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(512)
        output.append(contentsOf: envelopeStart)
        JSONValue.write(uid, to: &output)
        output.append(contentsOf: #","allowed":"#.utf8)
        output.append(contentsOf: (allowed ? "true" : "false").utf8)
        if let refusal {
            output.append(contentsOf: #","status":"#.utf8)
            refusal.json.write(to: &output)
        } else if let patch, !patch.isEmpty {
            output.append(contentsOf: #","patchType":"JSONPatch","patch":""#.utf8)
            var text: [UInt8] = []
            text.reserveCapacity(4096)
            patch.write(to: &text)
            text.writeBase64(to: &output)
            output.append(UInt8(ascii: "\""))
        }
        if !warnings.isEmpty {
            output.append(contentsOf: #","warnings":"#.utf8)
            JSONValue.array(AdmissionWarnings.fitting(warnings).map { .string($0) }).write(to: &output)
        }
        if !auditAnnotations.isEmpty {
            output.append(contentsOf: #","auditAnnotations":"#.utf8)
            JSONValue.object(JSONObject(auditAnnotations)).write(to: &output)
        }
        output.append(contentsOf: "}}".utf8)
        return output
    }
}

private let envelopeStart = Array(
    #"{"apiVersion":"\#(AdmissionReview.apiVersion)","kind":"\#(AdmissionReview.kind)","response":{"uid":"#.utf8)

extension AdmissionResponse.Refusal {
    /// `metav1.Status`
    fileprivate var json: JSONValue {
        [
            "status": "Failure",
            "message": .string(message),
            "reason": .string(reason),
            "code": .number(JSONNumber(code)),
        ]
    }
}

extension [UInt8] {
    /// Appends these bytes in the alphabet of RFC 4648 section 4, padded: how Go writes `[]byte` in JSON.
    func writeBase64(to output: inout [UInt8]) {
        var place = output.count
        output.append(contentsOf: repeatElement(UInt8(ascii: "="), count: (count + 2) / 3 * 4))
        let source = span.bytes
        let pairs = base64Pairs.span
        var target = output.mutableSpan
        var text = target.mutableBytes
        func digits(_ group: UInt32) -> UInt32 {
            UInt32(pairs[Int(group >> 12)]) | UInt32(pairs[Int(group & 0xFFF)]) << 16
        }
        var start = 0
        while start <= count - 4 {
            // Four bytes are read, of which three count.
            let word = UInt32(bigEndian: source.unsafeLoadUnaligned(fromByteOffset: start, as: UInt32.self))
            text.storeBytes(of: digits(word >> 8).littleEndian, toByteOffset: place, as: UInt32.self)
            start += 3
            place += 4
        }
        while start < count {
            let left = Swift.min(3, count - start)
            var group: UInt32 = 0
            for index in 0..<3 { group = group << 8 | (index < left ? UInt32(self[start + index]) : 0) }
            let digits = digits(group)
            for index in 0...left {
                let digit = UInt8(digits >> UInt32(8 * index) & 0xFF)
                text.storeBytes(of: digit, toByteOffset: place + index, as: UInt8.self)
            }
            start += 3
            place += 4
        }
    }
}

/// The two digits of each number of twelve bits, the first one in the lower byte.
private let base64Pairs: [UInt16] = {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8).map { UInt16($0) }
    return digits.flatMap { first in digits.map { second in first | second << 8 } }
}()
