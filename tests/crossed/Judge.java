import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.Key;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;

import org.bouncycastle.asn1.ASN1InputStream;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.IssuerAndSerialNumber;
import org.bouncycastle.asn1.cms.KeyAgreeRecipientIdentifier;
import org.bouncycastle.asn1.cms.RecipientEncryptedKey;
import org.bouncycastle.asn1.cms.RecipientKeyIdentifier;
import org.bouncycastle.asn1.cms.ecc.ECCCMSSharedInfo;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.smime.SMIMECapabilities;
import org.bouncycastle.asn1.smime.SMIMECapability;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSAuthEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.CMSEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSEnvelopedDataStreamGenerator;
import org.bouncycastle.cms.CMSException;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.CMSSignedDataStreamGenerator;
import org.bouncycastle.cms.CMSTypedData;
import org.bouncycastle.cms.KeyAgreeRecipient;
import org.bouncycastle.cms.KeyAgreeRecipientId;
import org.bouncycastle.cms.KeyAgreeRecipientInfoGenerator;
import org.bouncycastle.cms.KeyTransRecipientId;
import org.bouncycastle.cms.KeyTransRecipientInformation;
import org.bouncycastle.cms.Recipient;
import org.bouncycastle.cms.RecipientId;
import org.bouncycastle.cms.RecipientInfoGenerator;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.RecipientInformationStore;
import org.bouncycastle.cms.RecipientOperator;
import org.bouncycastle.cms.SignerInfoGenerator;
import org.bouncycastle.cms.SignerInfoGeneratorBuilder;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceKeyAgreeEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.JceKeyTransAuthEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientInfoGenerator;
import org.bouncycastle.crypto.DerivationFunction;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.generators.HKDFBytesGenerator;
import org.bouncycastle.crypto.generators.KDF2BytesGenerator;
import org.bouncycastle.crypto.params.HKDFParameters;
import org.bouncycastle.crypto.params.KDFParameters;
import org.bouncycastle.jcajce.io.CipherInputStream;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.GenericKey;
import org.bouncycastle.operator.InputDecryptor;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.OutputEncryptor;
import org.bouncycastle.operator.jcajce.JcaAlgorithmParametersConverter;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.util.Pack;
import org.bouncycastle.util.Selector;
import org.bouncycastle.util.Store;

/**
 * BouncyCastle as a judge: commands on standard input, one a line, an answer a line.
 *
 * <p>Words of a command are separated by tabs; files are named by their path. An answer is
 * {@code ok} with words of its own, or {@code no} with the reason. The process ends with its input.
 *
 * <pre>
 * sign     OUT CONTENT KEY CERTIFICATE ALGORITHM opaque|detached|streamed serial|ski
 * verify   IN CONTENT|- AUTHORITY OUT
 * encrypt  OUT CONTENT CIPHER der|ber pkcs1|oaep|x963|hkdf serial|ski CERTIFICATE...
 * decrypt  IN KEY CERTIFICATE OUT
 * </pre>
 */
public final class Judge {
    private static final Provider BC = new BouncyCastleProvider();

    private static final Map<String, ASN1ObjectIdentifier> CIPHERS = Map.of(
            "aes-128-cbc", CMSAlgorithm.AES128_CBC,
            "aes-256-cbc", CMSAlgorithm.AES256_CBC,
            "aes-128-gcm", CMSAlgorithm.AES128_GCM,
            "aes-256-gcm", CMSAlgorithm.AES256_GCM);

    /** dhSinglePass-stdDH-hkdf-sha256-scheme, RFC 8418 section 2.2; BouncyCastle 1.72 has it not. */
    private static final ASN1ObjectIdentifier X25519_HKDF =
            new ASN1ObjectIdentifier("1.2.840.113549.1.9.16.3.19");

    private Judge() {}

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(BC);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String answer;
            try {
                answer = "ok\t" + answered(line.split("\t"));
            } catch (Exception refused) {
                answer = "no\t" + reason(refused);
            }
            out.println(answer.replace('\n', ' ').replace('\r', ' '));
        }
    }

    private static String reason(Throwable refused) {
        StringBuilder found = new StringBuilder(refused.toString());
        for (Throwable each = refused.getCause(); each != null; each = each.getCause()) {
            found.append(" <- ").append(each);
        }
        return found.toString();
    }

    private static String answered(String[] words) throws Exception {
        List<String> rest = Arrays.asList(words).subList(1, words.length);
        switch (words[0]) {
            case "sign": return sign(rest);
            case "verify": return verify(rest);
            case "encrypt": return encrypt(rest);
            case "decrypt": return decrypt(rest);
            default: throw new IllegalArgumentException("unknown command " + words[0]);
        }
    }

    // --- signed-data ----------------------------------------------------------------------------

    private static String sign(List<String> words) throws Exception {
        X509Certificate certificate = certificate(words.get(3));
        ContentSigner signer =
                new JcaContentSignerBuilder(words.get(4)).setProvider(BC).build(key(words.get(2)));
        SignerInfoGeneratorBuilder builder = new SignerInfoGeneratorBuilder(
                new JcaDigestCalculatorProviderBuilder().setProvider(BC).build());
        SignerInfoGenerator named = words.get(6).equals("ski")
                ? builder.build(signer, keyIdentifier(certificate))
                : builder.build(signer, new JcaX509CertificateHolder(certificate));
        byte[] content = read(words.get(1));
        JcaCertStore certificates = new JcaCertStore(List.of(certificate));
        byte[] encoded;
        if (words.get(5).equals("streamed")) {
            CMSSignedDataStreamGenerator generator = new CMSSignedDataStreamGenerator();
            generator.addSignerInfoGenerator(named);
            generator.addCertificates(certificates);
            ByteArrayOutputStream kept = new ByteArrayOutputStream();
            inPieces(generator.open(kept, true), content);
            encoded = kept.toByteArray();
        } else {
            CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
            generator.addSignerInfoGenerator(named);
            generator.addCertificates(certificates);
            CMSTypedData typed = new CMSProcessableByteArray(content);
            encoded = generator.generate(typed, words.get(5).equals("opaque")).getEncoded("DER");
        }
        Files.write(Path.of(words.get(0)), encoded);
        return String.valueOf(encoded.length);
    }

    /** Every signer verified, its certificate issued by the authority. */
    private static String verify(List<String> words) throws Exception {
        byte[] encoded = read(words.get(0));
        CMSSignedData signed = words.get(1).equals("-")
                ? new CMSSignedData(encoded)
                : new CMSSignedData(new CMSProcessableByteArray(read(words.get(1))), encoded);
        X509Certificate authority = certificate(words.get(2));
        Store<X509CertificateHolder> certificates = signed.getCertificates();
        Collection<SignerInformation> signers = signed.getSignerInfos().getSigners();
        if (signers.isEmpty()) {
            throw new CMSException("no signer");
        }
        StringBuilder told = new StringBuilder();
        for (SignerInformation signer : signers) {
            Iterator<X509CertificateHolder> matches = certificates.getMatches(selector(signer)).iterator();
            if (!matches.hasNext()) {
                throw new CMSException("the signer's certificate is missing");
            }
            X509CertificateHolder holder = matches.next();
            if (!holder.isSignatureValid(
                    new JcaContentVerifierProviderBuilder().setProvider(BC).build(authority))) {
                throw new CMSException("not issued by the authority");
            }
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider(BC).build(holder))) {
                throw new CMSException("the signature is wrong");
            }
            told.append(signer.getEncryptionAlgOID()).append('\t').append(signer.getDigestAlgOID());
            told.append('\t').append(signer.getSID().getIssuer() == null ? "ski" : "serial");
            told.append('\t').append(capabilities(signer));
        }
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        signed.getSignedContent().write(content);
        Files.write(Path.of(words.get(3)), content.toByteArray());
        return told.toString();
    }

    @SuppressWarnings("unchecked")
    private static Selector<X509CertificateHolder> selector(SignerInformation signer) {
        return signer.getSID();
    }

    /** The object identifiers of the signer's SMIMECapabilities, in order. */
    private static String capabilities(SignerInformation signer) {
        StringBuilder found = new StringBuilder();
        if (signer.getSignedAttributes() != null
                && signer.getSignedAttributes().get(PKCSObjectIdentifiers.pkcs_9_at_smimeCapabilities) != null) {
            SMIMECapabilities list = SMIMECapabilities.getInstance(
                    signer.getSignedAttributes().get(PKCSObjectIdentifiers.pkcs_9_at_smimeCapabilities));
            for (Object each : list.getCapabilities(null)) {
                found.append(found.length() == 0 ? "" : ",");
                found.append(((SMIMECapability) each).getCapabilityID());
            }
        }
        return found.toString();
    }

    // --- enveloped-data -------------------------------------------------------------------------

    private static String encrypt(List<String> words) throws Exception {
        byte[] content = read(words.get(1));
        ASN1ObjectIdentifier cipher = CIPHERS.get(words.get(2));
        boolean streamed = words.get(3).equals("ber");
        OutputEncryptor encryptor = new JceCMSContentEncryptorBuilder(cipher).setProvider(BC).build();
        byte[] encoded;
        if (words.get(2).endsWith("gcm")) {
            CMSAuthEnvelopedDataGenerator generator = new CMSAuthEnvelopedDataGenerator();
            for (String path : words.subList(6, words.size())) {
                generator.addRecipientInfoGenerator(recipient(certificate(path), words));
            }
            CMSAuthEnvelopedData made = generator.generate(
                    new CMSProcessableByteArray(content), (OutputAEADEncryptor) encryptor);
            encoded = made.toASN1Structure().getEncoded(streamed ? "BER" : "DER");
        } else if (streamed) {
            CMSEnvelopedDataStreamGenerator generator = new CMSEnvelopedDataStreamGenerator();
            for (String path : words.subList(6, words.size())) {
                generator.addRecipientInfoGenerator(recipient(certificate(path), words));
            }
            ByteArrayOutputStream kept = new ByteArrayOutputStream();
            inPieces(generator.open(kept, encryptor), content);
            encoded = kept.toByteArray();
        } else {
            CMSEnvelopedDataGenerator generator = new CMSEnvelopedDataGenerator();
            for (String path : words.subList(6, words.size())) {
                generator.addRecipientInfoGenerator(recipient(certificate(path), words));
            }
            CMSEnvelopedData made = generator.generate(new CMSProcessableByteArray(content), encryptor);
            encoded = made.toASN1Structure().getEncoded("DER");
        }
        Files.write(Path.of(words.get(0)), encoded);
        return String.valueOf(encoded.length);
    }

    private static RecipientInfoGenerator recipient(X509Certificate certificate, List<String> words)
            throws Exception {
        PublicKey key = certificate.getPublicKey();
        boolean byKey = words.get(5).equals("ski");
        if (key.getAlgorithm().equals("RSA")) {
            return transported(certificate, words.get(4).equals("oaep"), byKey);
        }
        ASN1ObjectIdentifier wrap =
                words.get(2).startsWith("aes-256") ? CMSAlgorithm.AES256_WRAP : CMSAlgorithm.AES128_WRAP;
        if (!(key instanceof ECPublicKey)) {
            KeyPair drawn = KeyPairGenerator.getInstance("X25519", BC).generateKeyPair();
            return new ToMontgomery(
                    words.get(4).equals("x963") ? CMSAlgorithm.ECDH_SHA256KDF : X25519_HKDF,
                    wrap, drawn, certificate, byKey);
        }
        KeyPairGenerator drawing = KeyPairGenerator.getInstance("EC", BC);
        drawing.initialize(((ECPublicKey) key).getParams());
        KeyPair ephemeral = drawing.generateKeyPair();
        JceKeyAgreeRecipientInfoGenerator generator = new JceKeyAgreeRecipientInfoGenerator(
                CMSAlgorithm.ECDH_SHA256KDF, ephemeral.getPrivate(), ephemeral.getPublic(), wrap);
        generator.setProvider(BC);
        if (byKey) {
            generator.addRecipient(keyIdentifier(certificate), key);
        } else {
            generator.addRecipient(certificate);
        }
        return generator;
    }

    private static RecipientInfoGenerator transported(
            X509Certificate certificate, boolean oaep, boolean byKey) throws Exception {
        PublicKey key = certificate.getPublicKey();
        JceKeyTransRecipientInfoGenerator generator;
        if (oaep) {
            AlgorithmIdentifier algorithm = new JcaAlgorithmParametersConverter().getAlgorithmIdentifier(
                    PKCSObjectIdentifiers.id_RSAES_OAEP,
                    new OAEPParameterSpec(
                            "SHA-256", "MGF1", MGF1ParameterSpec.SHA256, PSource.PSpecified.DEFAULT));
            generator = byKey
                    ? new JceKeyTransRecipientInfoGenerator(keyIdentifier(certificate), algorithm, key)
                    : new JceKeyTransRecipientInfoGenerator(certificate, algorithm);
        } else {
            generator = byKey
                    ? new JceKeyTransRecipientInfoGenerator(keyIdentifier(certificate), key)
                    : new JceKeyTransRecipientInfoGenerator(certificate);
        }
        return generator.setProvider(BC);
    }

    private static String decrypt(List<String> words) throws Exception {
        byte[] encoded = read(words.get(0));
        PrivateKey key = key(words.get(1));
        X509Certificate certificate = certificate(words.get(2));
        ContentInfo outer = ContentInfo.getInstance(primitive(encoded));
        boolean authenticated = outer.getContentType().equals(CMSObjectIdentifiers.authEnvelopedData);
        RecipientInformationStore recipients = authenticated
                ? new CMSAuthEnvelopedData(outer).getRecipientInfos()
                : new CMSEnvelopedData(outer).getRecipientInfos();
        for (RecipientInformation each : recipients.getRecipients()) {
            if (!isFor(each, certificate)) {
                continue;
            }
            Files.write(Path.of(words.get(3)), each.getContent(opener(each, key, authenticated)));
            return (authenticated ? "authenticated" : "plain") + "\t" + each.getKeyEncryptionAlgOID()
                    + "\t" + (isNamedByKey(each) ? "ski" : "serial");
        }
        throw new CMSException("no recipient has this certificate");
    }

    private static Recipient opener(RecipientInformation each, PrivateKey key, boolean authenticated) {
        if (each instanceof KeyTransRecipientInformation) {
            return authenticated
                    ? new JceKeyTransAuthEnvelopedRecipient(key).setProvider(BC)
                    : new JceKeyTransEnvelopedRecipient(key).setProvider(BC);
        }
        return key.getAlgorithm().equals("X25519")
                ? new FromMontgomery(key)
                : new JceKeyAgreeEnvelopedRecipient(key).setProvider(BC);
    }

    private static boolean isNamedByKey(RecipientInformation each) {
        RecipientId named = each.getRID();
        return named instanceof KeyTransRecipientId
                ? ((KeyTransRecipientId) named).getIssuer() == null
                : ((KeyAgreeRecipientId) named).getIssuer() == null;
    }

    private static boolean isFor(RecipientInformation each, X509Certificate certificate) throws Exception {
        X509CertificateHolder holder = new JcaX509CertificateHolder(certificate);
        RecipientId named = each.getRID();
        if (named instanceof KeyTransRecipientId) {
            return named.equals(new KeyTransRecipientId(keyIdentifier(certificate)))
                    || named.equals(new KeyTransRecipientId(holder.getIssuer(), holder.getSerialNumber()));
        }
        return named.equals(new KeyAgreeRecipientId(keyIdentifier(certificate)))
                || named.equals(new KeyAgreeRecipientId(holder.getIssuer(), holder.getSerialNumber()));
    }

    // --- X25519 (RFC 8418), where BouncyCastle 1.72 has the parts and not the whole ------------

    private static byte[] keyEncryptionKey(
            AlgorithmIdentifier agreement, byte[] material, PrivateKey own, PublicKey other)
            throws Exception {
        KeyAgreement agreeing = KeyAgreement.getInstance("X25519", BC);
        agreeing.init(own);
        agreeing.doPhase(other, true);
        byte[] shared = agreeing.generateSecret();
        AlgorithmIdentifier wrap = AlgorithmIdentifier.getInstance(agreement.getParameters());
        byte[] key = new byte[wrap.getAlgorithm().equals(CMSAlgorithm.AES256_WRAP) ? 32 : 16];
        byte[] bits = Pack.intToBigEndian(8 * key.length);
        byte[] context = new ECCCMSSharedInfo(wrap, material, bits).getEncoded();
        boolean expands = agreement.getAlgorithm().equals(X25519_HKDF);
        if (!expands && !agreement.getAlgorithm().equals(CMSAlgorithm.ECDH_SHA256KDF)) {
            throw new CMSException("unknown agreement " + agreement.getAlgorithm());
        }
        DerivationFunction function = expands
                ? new HKDFBytesGenerator(new SHA256Digest())
                : new KDF2BytesGenerator(new SHA256Digest());
        function.init(expands
                ? new HKDFParameters(shared, material, context)
                : new KDFParameters(shared, context));
        function.generateBytes(key, 0, key.length);
        return key;
    }

    /** One recipient, by an ephemeral key that was drawn for it. */
    private static final class ToMontgomery extends KeyAgreeRecipientInfoGenerator {
        private final PrivateKey own;
        private final X509Certificate certificate;
        private final boolean byKey;

        ToMontgomery(
                ASN1ObjectIdentifier scheme, ASN1ObjectIdentifier wrap, KeyPair drawn,
                X509Certificate certificate, boolean byKey) {
            super(scheme, SubjectPublicKeyInfo.getInstance(drawn.getPublic().getEncoded()), wrap);
            this.own = drawn.getPrivate();
            this.certificate = certificate;
            this.byKey = byKey;
        }

        @Override
        protected ASN1Sequence generateRecipientEncryptedKeys(
                AlgorithmIdentifier agreement, AlgorithmIdentifier wrap, GenericKey content)
                throws CMSException {
            try {
                byte[] key = keyEncryptionKey(agreement, null, own, certificate.getPublicKey());
                Cipher wrapping = Cipher.getInstance("AESWrap", BC);
                wrapping.init(Cipher.WRAP_MODE, new SecretKeySpec(key, "AES"));
                Object plain = content.getRepresentation();
                Key wanted = plain instanceof Key ? (Key) plain : new SecretKeySpec((byte[]) plain, "AES");
                JcaX509CertificateHolder holder = new JcaX509CertificateHolder(certificate);
                KeyAgreeRecipientIdentifier named = byKey
                        ? new KeyAgreeRecipientIdentifier(
                                new RecipientKeyIdentifier(keyIdentifier(certificate)))
                        : new KeyAgreeRecipientIdentifier(new IssuerAndSerialNumber(
                                holder.getIssuer(), holder.getSerialNumber()));
                return new DERSequence(new RecipientEncryptedKey(
                        named, new DEROctetString(wrapping.wrap(wanted))));
            } catch (Exception refused) {
                throw new CMSException("no key agreed", refused);
            }
        }

        @Override
        protected byte[] getUserKeyingMaterial(AlgorithmIdentifier agreement) {
            return null;
        }
    }

    private static final class FromMontgomery implements KeyAgreeRecipient {
        private final PrivateKey own;

        FromMontgomery(PrivateKey own) {
            this.own = own;
        }

        @Override
        public AlgorithmIdentifier getPrivateKeyAlgorithmIdentifier() {
            return PrivateKeyInfo.getInstance(own.getEncoded()).getPrivateKeyAlgorithm();
        }

        @Override
        public RecipientOperator getRecipientOperator(
                AlgorithmIdentifier agreement, AlgorithmIdentifier content,
                SubjectPublicKeyInfo sender, ASN1OctetString material, byte[] wrapped)
                throws CMSException {
            try {
                PublicKey other = KeyFactory.getInstance("X25519", BC)
                        .generatePublic(new X509EncodedKeySpec(sender.getEncoded()));
                byte[] octets = material == null ? null : material.getOctets();
                byte[] key = keyEncryptionKey(agreement, octets, own, other);
                Cipher unwrapping = Cipher.getInstance("AESWrap", BC);
                unwrapping.init(Cipher.UNWRAP_MODE, new SecretKeySpec(key, "AES"));
                Key found = unwrapping.unwrap(wrapped, "AES", Cipher.SECRET_KEY);
                String name = content.getAlgorithm().getId();
                AlgorithmParameters parameters = AlgorithmParameters.getInstance(name, BC);
                parameters.init(content.getParameters().toASN1Primitive().getEncoded());
                Cipher opening = Cipher.getInstance(name, BC);
                opening.init(Cipher.DECRYPT_MODE, found, parameters);
                return new RecipientOperator(new Opening(content, opening));
            } catch (Exception refused) {
                throw new CMSException("no key agreed", refused);
            }
        }
    }

    private static final class Opening implements InputDecryptor {
        private final AlgorithmIdentifier algorithm;
        private final Cipher cipher;

        Opening(AlgorithmIdentifier algorithm, Cipher cipher) {
            this.algorithm = algorithm;
            this.cipher = cipher;
        }

        @Override
        public AlgorithmIdentifier getAlgorithmIdentifier() {
            return algorithm;
        }

        @Override
        public InputStream getInputStream(InputStream in) {
            return new CipherInputStream(in, cipher);
        }
    }

    // --- files ----------------------------------------------------------------------------------

    private static void inPieces(OutputStream out, byte[] content) throws Exception {
        try (out) {
            for (int start = 0; start < content.length; start += 700) {
                out.write(content, start, Math.min(700, content.length - start));
            }
        }
    }

    private static ASN1Primitive primitive(byte[] encoded) throws Exception {
        try (ASN1InputStream in = new ASN1InputStream(encoded)) {
            return in.readObject();
        }
    }

    private static byte[] keyIdentifier(X509Certificate certificate) throws Exception {
        X509CertificateHolder holder = new JcaX509CertificateHolder(certificate);
        return SubjectKeyIdentifier.fromExtensions(holder.getExtensions()).getKeyIdentifier();
    }

    private static byte[] read(String path) throws Exception {
        return Files.readAllBytes(Path.of(path));
    }

    private static X509Certificate certificate(String path) throws Exception {
        return (X509Certificate) CertificateFactory.getInstance("X.509", BC)
                .generateCertificate(new ByteArrayInputStream(read(path)));
    }

    private static PrivateKey key(String path) throws Exception {
        try (PEMParser parser = new PEMParser(Files.newBufferedReader(Path.of(path)))) {
            PrivateKeyInfo kept = (PrivateKeyInfo) parser.readObject();
            return KeyFactory.getInstance(kept.getPrivateKeyAlgorithm().getAlgorithm().getId(), BC)
                    .generatePrivate(new PKCS8EncodedKeySpec(kept.getEncoded()));
        }
    }
}
