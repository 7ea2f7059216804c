


SELECT pg_catalog.set_config('search_path', '', false);




CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);



CREATE TABLE public.batch (
    id bigint NOT NULL,
    public_id character varying NOT NULL,
    owner character varying DEFAULT 'local'::character varying NOT NULL,
    state character varying(16) DEFAULT 'in_progress'::character varying NOT NULL,
    work_class character varying(16) DEFAULT 'interactive'::character varying NOT NULL,
    endpoint character varying NOT NULL,
    collect json,
    policy character varying,
    total integer DEFAULT 0 NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    cancelled integer DEFAULT 0 NOT NULL,
    expired integer DEFAULT 0 NOT NULL,
    scores_open integer DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT '0'::bigint NOT NULL,
    output_tokens bigint DEFAULT '0'::bigint NOT NULL,
    cost_usd double precision DEFAULT '0'::double precision NOT NULL,
    metadata json,
    not_before double precision,
    deadline_at double precision,
    cancel_requested_at double precision,
    idempotency_key character varying,
    created_at double precision NOT NULL,
    finished_at double precision,
    CONSTRAINT ck_batch_state CHECK (((state)::text = ANY ((ARRAY['validating'::character varying, 'in_progress'::character varying, 'finalizing'::character varying, 'completed'::character varying, 'failed'::character varying, 'expired'::character varying, 'cancelling'::character varying, 'cancelled'::character varying])::text[]))),
    CONSTRAINT ck_batch_work_class CHECK (((work_class)::text = ANY ((ARRAY['interactive'::character varying, 'bulk'::character varying])::text[])))
);



CREATE SEQUENCE public.batch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.batch_id_seq OWNED BY public.batch.id;



CREATE TABLE public.checkpoint (
    id bigint NOT NULL,
    public_id character varying NOT NULL,
    key character varying NOT NULL,
    router character varying NOT NULL,
    experts json NOT NULL,
    manifest json NOT NULL,
    created_at double precision NOT NULL,
    promoted_at double precision,
    verdict json
);



CREATE SEQUENCE public.checkpoint_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.checkpoint_id_seq OWNED BY public.checkpoint.id;



CREATE TABLE public.decision (
    prompt_id bigint NOT NULL,
    expert character varying,
    policy character varying NOT NULL,
    checkpoint_id bigint,
    prediction_kind character varying,
    predictions json,
    route_s double precision NOT NULL,
    gathered integer NOT NULL,
    created_at double precision NOT NULL
);



CREATE TABLE public.expert (
    name character varying NOT NULL,
    spec json NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    updated_at double precision NOT NULL
);



CREATE TABLE public.generation (
    id bigint NOT NULL,
    state character varying(16) DEFAULT 'pending'::character varying NOT NULL,
    work_class character varying(16) DEFAULT 'interactive'::character varying NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    fence integer DEFAULT 0 NOT NULL,
    lease_owner character varying,
    lease_expires_at double precision,
    sent_at double precision,
    not_before double precision,
    error_code character varying,
    error_message character varying,
    created_at double precision NOT NULL,
    finished_at double precision,
    prompt_id bigint NOT NULL,
    batch_id bigint NOT NULL,
    expert character varying NOT NULL,
    deadline_at double precision,
    price_in_usd_per_mtok double precision,
    price_out_usd_per_mtok double precision,
    answer character varying,
    finish_reason character varying,
    input_tokens integer,
    output_tokens integer,
    cost_usd double precision,
    nll_answer double precision,
    nll_reference double precision,
    inference_s double precision,
    queue_s double precision,
    first_token_s double precision,
    CONSTRAINT ck_generation_state CHECK (((state)::text = ANY ((ARRAY['pending'::character varying, 'running'::character varying, 'routed'::character varying, 'done'::character varying, 'failed'::character varying, 'cancelled'::character varying, 'expired'::character varying])::text[]))),
    CONSTRAINT ck_generation_work_class CHECK (((work_class)::text = ANY ((ARRAY['interactive'::character varying, 'bulk'::character varying])::text[])))
);



CREATE SEQUENCE public.generation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.generation_id_seq OWNED BY public.generation.id;



CREATE TABLE public.prompt (
    id bigint NOT NULL,
    state character varying(16) DEFAULT 'pending'::character varying NOT NULL,
    work_class character varying(16) DEFAULT 'interactive'::character varying NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    fence integer DEFAULT 0 NOT NULL,
    lease_owner character varying,
    lease_expires_at double precision,
    sent_at double precision,
    not_before double precision,
    error_code character varying,
    error_message character varying,
    created_at double precision NOT NULL,
    finished_at double precision,
    public_id character varying NOT NULL,
    batch_id bigint NOT NULL,
    owner character varying DEFAULT 'local'::character varying NOT NULL,
    endpoint character varying NOT NULL,
    messages json NOT NULL,
    sampling json NOT NULL,
    reference character varying,
    dataset character varying,
    expert character varying,
    policy character varying,
    metadata json,
    generations_open integer DEFAULT 0 NOT NULL,
    custom_id character varying,
    line bigint,
    deadline_at double precision,
    cancel_requested_at double precision,
    CONSTRAINT ck_prompt_state CHECK (((state)::text = ANY ((ARRAY['pending'::character varying, 'running'::character varying, 'routed'::character varying, 'done'::character varying, 'failed'::character varying, 'cancelled'::character varying, 'expired'::character varying])::text[]))),
    CONSTRAINT ck_prompt_work_class CHECK (((work_class)::text = ANY ((ARRAY['interactive'::character varying, 'bulk'::character varying])::text[])))
);



CREATE SEQUENCE public.prompt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.prompt_id_seq OWNED BY public.prompt.id;



CREATE TABLE public.score (
    id bigint NOT NULL,
    state character varying(16) DEFAULT 'pending'::character varying NOT NULL,
    work_class character varying(16) DEFAULT 'interactive'::character varying NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    fence integer DEFAULT 0 NOT NULL,
    lease_owner character varying,
    lease_expires_at double precision,
    sent_at double precision,
    not_before double precision,
    error_code character varying,
    error_message character varying,
    created_at double precision NOT NULL,
    finished_at double precision,
    generation_id bigint NOT NULL,
    batch_id bigint NOT NULL,
    scorer character varying NOT NULL,
    value double precision,
    CONSTRAINT ck_score_state CHECK (((state)::text = ANY ((ARRAY['pending'::character varying, 'running'::character varying, 'routed'::character varying, 'done'::character varying, 'failed'::character varying, 'cancelled'::character varying, 'expired'::character varying])::text[]))),
    CONSTRAINT ck_score_work_class CHECK (((work_class)::text = ANY ((ARRAY['interactive'::character varying, 'bulk'::character varying])::text[])))
);



CREATE SEQUENCE public.score_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



ALTER SEQUENCE public.score_id_seq OWNED BY public.score.id;



ALTER TABLE ONLY public.batch ALTER COLUMN id SET DEFAULT nextval('public.batch_id_seq'::regclass);



ALTER TABLE ONLY public.checkpoint ALTER COLUMN id SET DEFAULT nextval('public.checkpoint_id_seq'::regclass);



ALTER TABLE ONLY public.generation ALTER COLUMN id SET DEFAULT nextval('public.generation_id_seq'::regclass);



ALTER TABLE ONLY public.prompt ALTER COLUMN id SET DEFAULT nextval('public.prompt_id_seq'::regclass);



ALTER TABLE ONLY public.score ALTER COLUMN id SET DEFAULT nextval('public.score_id_seq'::regclass);



INSERT INTO public.alembic_version VALUES ('0002');



INSERT INTO public.batch VALUES (1, 'batch_f222d4869663cb79117dd616', 'local', 'completed', 'interactive', '/v1/prompts', NULL, NULL, 1, 1, 0, 0, 0, 0, 10, 5, 2e-05, '{"run": "1"}', NULL, NULL, NULL, NULL, 1795356565.554757, 1795356565.676683);
INSERT INTO public.batch VALUES (2, 'batch_31e9bbe37a8c71aacd5b59b3', 'local', 'completed', 'interactive', '/v1/prompts', NULL, NULL, 1, 0, 1, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, 1795356565.679399, 1795356565.733573);
INSERT INTO public.batch VALUES (3, 'batch_90efc56ea9280e3b30acc6e7', 'local', 'in_progress', 'interactive', '/v1/prompts', '["general", "math"]', NULL, 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, 1795356565.736737, NULL);
INSERT INTO public.batch VALUES (4, 'batch_5aaef3e16d87a2611aa3f3ae', 'local', 'in_progress', 'interactive', '/v1/prompts', NULL, NULL, 1, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, 1795356565.776776, NULL);



INSERT INTO public.checkpoint VALUES (1, 'checkpoint_44682389cbcf05ccfc73fe6b', 'checkpoints/checkpoint_44682389cbcf05ccfc73fe6b', 'random', '["general", "math"]', '{"kind": "random", "experts": ["general", "math"]}', 1795356565.533622, 1795356565.543799, '{"better": true, "reason": "the first", "quality": null, "against": null, "n": 0, "candidate": null, "current": null, "difference": null, "ci95": null, "left_out": 0, "fingerprint": null}');



INSERT INTO public.decision VALUES (1, 'math', 'best', NULL, NULL, NULL, 0.001, 1, 1795356565.594793);
INSERT INTO public.decision VALUES (2, 'general', 'best', NULL, NULL, NULL, 0.001, 1, 1795356565.695754);
INSERT INTO public.decision VALUES (3, NULL, 'best', NULL, NULL, NULL, 0.001, 1, 1795356565.757427);



INSERT INTO public.expert VALUES ('math', '{"name": "math", "engine": "synthetic", "model": "synthetic", "adapter": null, "location": "edge", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0, "context_tokens": 2048, "options": {}, "limits": {"bulk_threads": 6, "bulk_places": 64, "interactive_threads": 8, "interactive_places": 8}, "sampling": {"temperature": 0.0, "top_p": null, "max_tokens": 16, "stop": null, "seed": null, "presence_penalty": null, "frequency_penalty": null}}', true, 1795356565.519239);
INSERT INTO public.expert VALUES ('general', '{"name": "general", "engine": "synthetic", "model": "synthetic", "adapter": null, "location": "edge", "price_in_usd_per_mtok": 1.0, "price_out_usd_per_mtok": 2.0, "context_tokens": 2048, "options": {}, "limits": {"bulk_threads": 6, "bulk_places": 64, "interactive_threads": 8, "interactive_places": 8}, "sampling": {"temperature": 0.0, "top_p": null, "max_tokens": 16, "stop": null, "seed": null, "presence_penalty": null, "frequency_penalty": null}}', true, 1795356565.520544);



INSERT INTO public.generation VALUES (1, 'done', 'interactive', 1, 1, NULL, NULL, 1795356565.605344, NULL, NULL, NULL, 1795356565.605359, 1795356565.62295, 1, 1, 'math', NULL, 1, 2, '4', 'stop', 10, 5, 2e-05, 0.1, 0.2, 0.5, 0.1, NULL);
INSERT INTO public.generation VALUES (2, 'failed', 'interactive', 1, 1, NULL, NULL, 1795356565.702567, NULL, 'context_length_exceeded', 'too long', 1795356565.702581, 1795356565.722396, 2, 2, 'general', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.generation VALUES (3, 'running', 'interactive', 1, 1, 'worker', 1795356564.77189, 1795356565.76379, NULL, NULL, NULL, 1795356565.763805, NULL, 3, 3, 'general', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.generation VALUES (4, 'running', 'interactive', 1, 1, 'worker', 1795356564.772034, 1795356565.763814, NULL, NULL, NULL, 1795356565.763815, NULL, 3, 3, 'math', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);



INSERT INTO public.prompt VALUES (1, 'done', 'interactive', 1, 1, NULL, NULL, 1795356565.559952, NULL, NULL, NULL, 1795356565.559967, 1795356565.643183, 'prompt_5e35d8b7edea3dba1ee334c6', 1, 'local', '/v1/prompts', '[{"role": "user", "content": "2+2?"}]', '{}', '4', 'math', NULL, NULL, NULL, 0, 'finished', NULL, NULL, NULL);
INSERT INTO public.prompt VALUES (2, 'failed', 'interactive', 1, 1, NULL, NULL, 1795356565.68071, NULL, 'context_length_exceeded', 'too long', 1795356565.680719, 1795356565.728426, 'prompt_7a82e3cf40193548ef2800ad', 2, 'local', '/v1/prompts', '[{"role": "user", "content": "far too long"}]', '{}', NULL, NULL, NULL, NULL, NULL, 0, 'failed', NULL, NULL, NULL);
INSERT INTO public.prompt VALUES (3, 'routed', 'interactive', 1, 1, NULL, NULL, 1795356565.739496, NULL, NULL, NULL, 1795356565.739509, NULL, 'prompt_b0abd0060ca73f36d3a3c1f2', 3, 'local', '/v1/prompts', '[{"role": "user", "content": "running"}]', '{}', NULL, NULL, NULL, NULL, NULL, 2, 'running', NULL, NULL, NULL);
INSERT INTO public.prompt VALUES (4, 'pending', 'interactive', 0, 0, NULL, NULL, 1795356565.778003, NULL, NULL, NULL, 1795356565.778011, NULL, 'prompt_bc5668d7c1cb01a68cf881ee', 4, 'local', '/v1/prompts', '[{"role": "user", "content": "pending"}]', '{}', NULL, NULL, NULL, NULL, NULL, 0, 'pending', NULL, NULL, NULL);



INSERT INTO public.score VALUES (1, 'done', 'interactive', 1, 1, NULL, NULL, 1795356565.630279, NULL, NULL, NULL, 1795356565.630294, 1795356565.670305, 1, 1, 'bertsim', 0.75);



SELECT pg_catalog.setval('public.batch_id_seq', 4, true);



SELECT pg_catalog.setval('public.checkpoint_id_seq', 1, true);



SELECT pg_catalog.setval('public.generation_id_seq', 4, true);



SELECT pg_catalog.setval('public.prompt_id_seq', 4, true);



SELECT pg_catalog.setval('public.score_id_seq', 1, true);



ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);



ALTER TABLE ONLY public.batch
    ADD CONSTRAINT pk_batch PRIMARY KEY (id);



ALTER TABLE ONLY public.checkpoint
    ADD CONSTRAINT pk_checkpoint PRIMARY KEY (id);



ALTER TABLE ONLY public.decision
    ADD CONSTRAINT pk_decision PRIMARY KEY (prompt_id);



ALTER TABLE ONLY public.expert
    ADD CONSTRAINT pk_expert PRIMARY KEY (name);



ALTER TABLE ONLY public.generation
    ADD CONSTRAINT pk_generation PRIMARY KEY (id);



ALTER TABLE ONLY public.prompt
    ADD CONSTRAINT pk_prompt PRIMARY KEY (id);



ALTER TABLE ONLY public.score
    ADD CONSTRAINT pk_score PRIMARY KEY (id);



ALTER TABLE ONLY public.batch
    ADD CONSTRAINT uq_batch_public_id UNIQUE (public_id);



ALTER TABLE ONLY public.checkpoint
    ADD CONSTRAINT uq_checkpoint_key UNIQUE (key);



ALTER TABLE ONLY public.checkpoint
    ADD CONSTRAINT uq_checkpoint_public_id UNIQUE (public_id);



ALTER TABLE ONLY public.generation
    ADD CONSTRAINT uq_generation_prompt_id_expert UNIQUE (prompt_id, expert);



ALTER TABLE ONLY public.prompt
    ADD CONSTRAINT uq_prompt_public_id UNIQUE (public_id);



ALTER TABLE ONLY public.score
    ADD CONSTRAINT uq_score_generation_id_scorer UNIQUE (generation_id, scorer);



CREATE INDEX ix_batch_owner ON public.batch USING btree (owner);



CREATE INDEX ix_checkpoint_promoted_at ON public.checkpoint USING btree (promoted_at);



CREATE INDEX ix_generation_batch_id ON public.generation USING btree (batch_id);



CREATE INDEX ix_generation_state_sent_at ON public.generation USING btree (state, sent_at) WHERE ((state)::text = ANY ((ARRAY['pending'::character varying, 'running'::character varying])::text[]));



CREATE INDEX ix_prompt_batch_id_id ON public.prompt USING btree (batch_id, id);



CREATE INDEX ix_prompt_state_sent_at ON public.prompt USING btree (state, sent_at) WHERE ((state)::text = ANY ((ARRAY['pending'::character varying, 'running'::character varying])::text[]));



CREATE INDEX ix_score_state_sent_at ON public.score USING btree (state, sent_at) WHERE ((state)::text = ANY ((ARRAY['pending'::character varying, 'running'::character varying])::text[]));



ALTER TABLE ONLY public.decision
    ADD CONSTRAINT fk_decision_checkpoint_id_checkpoint FOREIGN KEY (checkpoint_id) REFERENCES public.checkpoint(id);



ALTER TABLE ONLY public.decision
    ADD CONSTRAINT fk_decision_prompt_id_prompt FOREIGN KEY (prompt_id) REFERENCES public.prompt(id);



ALTER TABLE ONLY public.generation
    ADD CONSTRAINT fk_generation_batch_id_batch FOREIGN KEY (batch_id) REFERENCES public.batch(id);



ALTER TABLE ONLY public.generation
    ADD CONSTRAINT fk_generation_prompt_id_prompt FOREIGN KEY (prompt_id) REFERENCES public.prompt(id);



ALTER TABLE ONLY public.prompt
    ADD CONSTRAINT fk_prompt_batch_id_batch FOREIGN KEY (batch_id) REFERENCES public.batch(id);



ALTER TABLE ONLY public.score
    ADD CONSTRAINT fk_score_batch_id_batch FOREIGN KEY (batch_id) REFERENCES public.batch(id);



ALTER TABLE ONLY public.score
    ADD CONSTRAINT fk_score_generation_id_generation FOREIGN KEY (generation_id) REFERENCES public.generation(id);




